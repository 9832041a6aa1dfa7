# What a batch runs as, and with which settings. The batches themselves are the function's: Terraform makes none.

resource "google_service_account" "batch" {
  account_id   = "${var.name}-batch"
  display_name = "opslake: Spark batches"
}

# Runtime 3.0 asks for serverlessNode. 2.3 needs the wider worker, which opens every bucket of the project: give the lake
# a project of its own there.
resource "google_project_iam_member" "batch_node" {
  project = var.project_id
  role    = var.runtime_version == "2.3" ? "roles/dataproc.worker" : "roles/dataproc.serverlessNode"
  member  = google_service_account.batch.member
}

resource "google_project_iam_member" "batch_logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.batch.member
}

# Who makes a batch lets it run as this account, so whoever may act as it is named here.
resource "google_service_account_iam_member" "batch_trigger" {
  service_account_id = google_service_account.batch.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.trigger.member
}

resource "google_service_account_iam_member" "batch_operators" {
  for_each           = toset(var.operators)
  service_account_id = google_service_account.batch.name
  role               = "roles/iam.serviceAccountUser"
  member             = each.key
}

locals {
  # The settings of opslake. The function has them, and hands them on to the batch's driver.
  settings = merge(
    {
      OPSLAKE_LAKE              = "gs://${google_storage_bucket.lake.name}"
      OPSLAKE_LANDING           = "gs://${google_storage_bucket.landing.name}"
      OPSLAKE_BUSINESS_TIMEZONE = var.business_timezone
    },
    var.contracts == null ? {} : { OPSLAKE_CONTRACTS = var.contracts },
    var.settings,
  )

  # The archive holds packages and no interpreter: the runtime's own Python finds them here.
  archive_path = local.image ? {} : {
    "spark.dataproc.driverEnv.PYTHONPATH" = "./environment"
    "spark.executorEnv.PYTHONPATH"        = "./environment"
  }

  batch_properties = merge(
    {
      "spark.sql.extensions"            = "io.delta.sql.DeltaSparkSessionExtension"
      "spark.sql.catalog.spark_catalog" = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
    },
    local.archive_path,
    var.notify ? { "spark.dataproc.driverEnv.OPSLAKE_NOTIFY" = "gcp-secret:projects/${var.project_id}/secrets/${var.name}-notify" } : {},
    var.batch_properties,
  )

  release_uri = "gs://${google_storage_bucket.packages.name}/releases/${var.release}"
}
