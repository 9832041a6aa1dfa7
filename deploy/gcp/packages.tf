# What is deployed: the code and what it imports, under the release's name. Without packages (nobody called make) only a
# validation succeeds: their hashes are left open here, and an upload fails.

locals {
  jobs  = "${path.module}/../../spark_jobs"
  dist  = "${path.module}/../../dist"
  image = var.container_image != null

  # Delta as it was tested with Spark 4.0, from where make setup put it. Glue has its own.
  ivy  = "${path.module}/../../.ivy/jars/4.0"
  jars = { for file in fileset(local.ivy, "delta-*.jar") : file => "${local.ivy}/${file}" if var.delta_jars && var.runtime_version == "3.0" }

  packages = merge(
    local.jars,
    { for file in fileset(local.jobs, "{daily,backfill,maintain}.py") : file => "${local.jobs}/${file}" },
    { "opslake.zip" = "${local.dist}/opslake.zip" },
    local.image ? {} : { "opslake-env.tar.gz" = "${local.dist}/opslake-env.tar.gz" },
  )
}

resource "google_storage_bucket" "packages" {
  name                        = "${var.project_id}-${var.name}-packages"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = var.noncurrent_days
      with_state                 = "ARCHIVED"
    }
  }
}

resource "google_storage_bucket_object" "packages" {
  for_each       = local.packages
  bucket         = google_storage_bucket.packages.name
  name           = "releases/${var.release}/${each.key}"
  source         = each.value
  source_md5hash = try(filemd5(each.value), null)
}

# The name holds the content's hash: a new source is a new object, and the function is built anew.
resource "google_storage_bucket_object" "function" {
  bucket = google_storage_bucket.packages.name
  name   = "function/${try(filemd5("${local.dist}/trigger-gcp.zip"), "not-packaged")}.zip"
  source = "${local.dist}/trigger-gcp.zip"
}

resource "google_storage_bucket_iam_member" "packages_batch" {
  bucket = google_storage_bucket.packages.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.batch.member
}

resource "google_artifact_registry_repository" "images" {
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"
  description   = "Images of Spark batches, tagged with the commit and latest."
  depends_on    = [google_project_service.services]

  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 10
    }
  }

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "7776000s"
    }
  }
}

resource "google_artifact_registry_repository_iam_member" "images_batch" {
  repository = google_artifact_registry_repository.images.name
  location   = google_artifact_registry_repository.images.location
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.batch.member
}

# The function's own image is built into the same repository.
resource "google_artifact_registry_repository_iam_member" "images_build" {
  repository = google_artifact_registry_repository.images.name
  location   = google_artifact_registry_repository.images.location
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.build.member
}

# What the function is built as. Without an account of its own a build runs as the project's default one, which may
# edit everything.
resource "google_service_account" "build" {
  account_id   = "${var.name}-build"
  display_name = "opslake: builds of the function"
}

resource "google_project_iam_member" "build_logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.build.member
}

# A build reads the source from a bucket that the platform makes, and no other.
resource "google_project_iam_member" "build_sources" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = google_service_account.build.member

  condition {
    title      = "sources of functions"
    expression = <<-EOT
      resource.name.startsWith("projects/_/buckets/gcf-v2-sources-") ||
      resource.name.startsWith("projects/_/buckets/${google_storage_bucket.packages.name}/objects/function/")
    EOT
  }
}
