# The lake

resource "google_storage_bucket" "lake" {
  name                        = "${var.project_id}-${var.name}-lake"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  # `opslake maintain` deletes what Delta no longer needs; this deletes what was deleted.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = var.noncurrent_days
      with_state                 = "ARCHIVED"
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 2
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_storage_bucket_iam_member" "lake_batch" {
  bucket = google_storage_bucket.lake.name
  role   = "roles/storage.objectUser"
  member = google_service_account.batch.member
}

# The function reads the ledger, which lies below state/, and nothing else.
resource "google_storage_bucket_iam_member" "lake_trigger" {
  bucket = google_storage_bucket.lake.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.trigger.member

  condition {
    title      = "state only"
    expression = <<-EOT
      resource.name.startsWith("projects/_/buckets/${google_storage_bucket.lake.name}/objects/state/") ||
      api.getAttribute("storage.googleapis.com/objectListPrefix", "").startsWith("state/")
    EOT
  }
}

# BigQuery reads as its connection, so nobody who queries needs the bucket.
resource "google_storage_bucket_iam_member" "lake_bigquery" {
  bucket = google_storage_bucket.lake.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${google_bigquery_connection.lake.cloud_resource[0].service_account_id}"
}

resource "google_storage_bucket_iam_member" "lake_operators" {
  for_each = toset(var.operators)
  bucket   = google_storage_bucket.lake.name
  role     = "roles/storage.objectUser"
  member   = each.key
}

# The landing

resource "google_storage_bucket" "landing" {
  name                        = "${var.project_id}-${var.name}-landing"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  lifecycle_rule {
    action {
      type          = "SetStorageClass"
      storage_class = "COLDLINE"
    }
    condition {
      age        = var.landing_coldline_days
      with_state = "LIVE"
    }
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

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_storage_bucket_iam_member" "landing_batch" {
  bucket = google_storage_bucket.landing.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.batch.member
}

resource "google_storage_bucket_iam_member" "landing_trigger" {
  bucket = google_storage_bucket.landing.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.trigger.member
}

resource "google_storage_bucket_iam_member" "landing_operators" {
  for_each = toset(var.operators)
  bucket   = google_storage_bucket.landing.name
  role     = "roles/storage.objectUser"
  member   = each.key
}
