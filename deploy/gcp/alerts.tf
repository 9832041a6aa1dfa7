# Two things that somebody must hear of even when opslake can't speak: a batch that failed, and a day without a run.

locals {
  # The last thing that a run says is run.done or run.failed, as JSON on standard error.
  batch_log = "resource.type=\"cloud_dataproc_batch\""
  ended     = "(jsonPayload.event=~\"^run\\.(done|failed)$\" OR jsonPayload.message=~\"\\\"event\\\": \\\"run\\.(done|failed)\\\"\")"
  cared     = "(jsonPayload.command=\"maintain\" OR jsonPayload.message:\"\\\"command\\\": \\\"maintain\\\"\")"
  failed    = "(jsonPayload.event=\"run.failed\" OR jsonPayload.message:\"\\\"event\\\": \\\"run.failed\\\"\")"

  # A batch that can't even be started has only the platform to speak for it.
  refused = "protoPayload.methodName=~\"BatchController.CreateBatch$\" AND severity>=ERROR"
}

resource "google_monitoring_notification_channel" "email" {
  for_each     = toset(var.alert_emails)
  display_name = "${var.name}: ${each.key}"
  type         = "email"
  labels       = { email_address = each.key }
  depends_on   = [google_project_service.services]
}

resource "google_monitoring_alert_policy" "failed_batch" {
  display_name          = "${var.name}: a batch failed"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  conditions {
    display_name = "a run ended with an error, or a batch could not be started"
    condition_matched_log {
      filter = "(${local.batch_log} AND ${local.failed}) OR (${local.refused})"
    }
  }

  alert_strategy {
    auto_close = "86400s"
    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "See *A batch failed* in docs/runbook.md: `opslake status` names the day and the reason."
  }
}

resource "google_logging_metric" "runs_ended" {
  name        = "${var.name}_runs_ended"
  description = "Runs that came to their end, well or not; maintenance loads nothing."
  filter      = "${local.batch_log} AND ${local.ended} AND NOT ${local.cared}"
  depends_on  = [google_project_service.services]

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

resource "google_monitoring_alert_policy" "no_run" {
  display_name          = "${var.name}: no run in ${var.alert_hours} hours"
  enabled               = !var.schedule_paused
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  conditions {
    display_name = "no run has ended for ${var.alert_hours} hours"
    condition_prometheus_query_language {
      # Without any run there is no series at all, hence the vector. An hour's patience: a run may take longer today.
      query                     = "(sum(increase({\"logging.googleapis.com/user/${google_logging_metric.runs_ended.name}\", monitored_resource=\"cloud_dataproc_batch\"}[${var.alert_hours}h])) or vector(0)) < 1"
      duration                  = "3600s"
      evaluation_interval       = "300s"
      disable_metric_validation = true
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "See *No run in 24 hours* in docs/runbook.md: look at the schedule, the function's log, the batches."
  }
}
