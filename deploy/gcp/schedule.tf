# The daily run. The trigger answers at once; the batch goes on by itself.

resource "google_service_account" "schedule" {
  account_id   = "${var.name}-schedule"
  display_name = "opslake: calls the trigger"
}

resource "google_cloud_scheduler_job" "daily" {
  name             = "${var.name}-daily"
  region           = var.region
  description      = "Loads what is due."
  schedule         = var.schedule
  time_zone        = var.schedule_timezone
  paused           = var.schedule_paused
  attempt_deadline = "120s"
  depends_on       = [google_project_service.services]

  # A repeated call starts nothing twice. While somebody holds the lake the answer is 409: asked again for two hours.
  retry_config {
    retry_count          = 5
    min_backoff_duration = "300s"
    max_backoff_duration = "3600s"
    max_doublings        = 4
  }

  http_target {
    http_method = "POST"
    uri         = google_cloudfunctions2_function.trigger.url
    body        = base64encode("{}")
    headers     = { "Content-Type" = "application/json" }
    oidc_token {
      service_account_email = google_service_account.schedule.email
      audience              = local.trigger_url
    }
  }
}
