# The function that looks what is due and starts a batch: docs/trigger.md has its variables.

locals {
  # Known before the functions are, so that they can be told the audience that they have to insist on.
  function_urls = { for name in ["trigger", "landed"] : name => "https://${var.region}-${var.project_id}.cloudfunctions.net/${var.name}-${name}" }
  trigger_url   = local.function_urls["trigger"]

  trigger_environment = merge(
    local.settings,
    {
      TRIGGER_NAME            = var.name
      TRIGGER_PROJECT         = var.project_id
      TRIGGER_REGION          = var.region
      TRIGGER_AUDIENCE        = join(",", concat(values(local.function_urls), var.audiences))
      TRIGGER_DAILY_FILE      = "${local.release_uri}/daily.py"
      TRIGGER_BACKFILL_FILE   = "${local.release_uri}/backfill.py"
      TRIGGER_RUNTIME_VERSION = var.runtime_version
      TRIGGER_SERVICE_ACCOUNT = google_service_account.batch.email
      TRIGGER_TTL_SECONDS     = tostring(var.batch_ttl_seconds)
      TRIGGER_LABELS          = jsonencode(local.labels)
      TRIGGER_PROPERTIES      = jsonencode(local.batch_properties)
    },
    local.image ? { TRIGGER_CONTAINER_IMAGE = var.container_image } : {
      TRIGGER_PY_FILES                      = "${local.release_uri}/opslake.zip"
      TRIGGER_ARCHIVES                      = "${local.release_uri}/opslake-env.tar.gz#environment"
    },
    length(local.jars) == 0 ? {} : { TRIGGER_JARS = join(",", [for file in keys(local.jars) : "${local.release_uri}/${file}"]) },
    var.subnetwork == null ? {} : { TRIGGER_SUBNETWORK = var.subnetwork },
  )
}

resource "google_service_account" "trigger" {
  account_id   = "${var.name}-trigger"
  display_name = "opslake: the trigger function"
}

resource "google_project_iam_member" "trigger_batches" {
  project = var.project_id
  role    = "roles/dataproc.serverlessEditor"
  member  = google_service_account.trigger.member
}

resource "google_cloudfunctions2_function" "trigger" {
  name        = "${var.name}-trigger"
  location    = var.region
  description = "Starts a Spark batch where something is due."

  build_config {
    runtime           = "python312"
    entry_point       = "trigger"
    service_account   = google_service_account.build.id
    docker_repository = google_artifact_registry_repository.images.id
    source {
      storage_source {
        bucket = google_storage_bucket.packages.name
        object = google_storage_bucket_object.function.name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.trigger.email
    environment_variables            = local.trigger_environment
    ingress_settings                 = "ALLOW_ALL"
    available_memory                 = "1Gi"
    available_cpu                    = "1" # this much memory alone brings 0.58, and a new instance imports that much longer
    timeout_seconds                  = 60
    max_instance_count               = 2
    max_instance_request_concurrency = 1
  }

  depends_on = [
    google_project_iam_member.build_logs,
    google_project_service.services,
    google_project_iam_member.build_sources,
    google_artifact_registry_repository_iam_member.images_build,
    google_storage_bucket_object.packages,
  ]
}

# Nobody calls it without an identity: only the schedule and the operators may.
resource "google_cloud_run_service_iam_member" "trigger_schedule" {
  service  = google_cloudfunctions2_function.trigger.name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.schedule.member
}

resource "google_cloud_run_service_iam_member" "trigger_operators" {
  for_each = toset(var.operators)
  service  = google_cloudfunctions2_function.trigger.name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.key
}

# The same source with the entry for files that land.

data "google_storage_project_service_account" "storage" {
  count = var.start_on_delivery ? 1 : 0
}

resource "google_project_iam_member" "storage_publishes" {
  count   = var.start_on_delivery ? 1 : 0
  project = var.project_id
  role    = "roles/pubsub.publisher"
  member  = data.google_storage_project_service_account.storage[0].member
}

resource "google_project_iam_member" "events_received" {
  count   = var.start_on_delivery ? 1 : 0
  project = var.project_id
  role    = "roles/eventarc.eventReceiver"
  member  = google_service_account.schedule.member
}

resource "google_cloudfunctions2_function" "landed" {
  count       = var.start_on_delivery ? 1 : 0
  name        = "${var.name}-landed"
  location    = var.region
  description = "Starts a Spark batch when a delivery has landed."

  build_config {
    runtime           = "python312"
    entry_point       = "landed"
    service_account   = google_service_account.build.id
    docker_repository = google_artifact_registry_repository.images.id
    source {
      storage_source {
        bucket = google_storage_bucket.packages.name
        object = google_storage_bucket_object.function.name
      }
    }
  }

  service_config {
    service_account_email = google_service_account.trigger.email
    environment_variables = local.trigger_environment
    ingress_settings      = "ALLOW_INTERNAL_ONLY"
    available_memory      = "1Gi"
    available_cpu         = "1"
    timeout_seconds       = 60
    max_instance_count    = 2
  }

  event_trigger {
    event_type            = "google.cloud.storage.object.v1.finalized"
    trigger_region        = var.region
    service_account_email = google_service_account.schedule.email
    retry_policy          = "RETRY_POLICY_RETRY"
    event_filters {
      attribute = "bucket"
      value     = google_storage_bucket.landing.name
    }
  }

  depends_on = [
    google_artifact_registry_repository_iam_member.images_build,
    google_project_iam_member.build_logs,
    google_project_iam_member.build_sources,
    google_project_iam_member.events_received,
    google_project_iam_member.storage_publishes,
    google_storage_bucket_object.packages,
  ]
}

resource "google_cloud_run_service_iam_member" "landed_events" {
  count    = var.start_on_delivery ? 1 : 0
  service  = google_cloudfunctions2_function.landed[0].name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.schedule.member
}
