output "settings" {
  description = "What opslake.toml or the environment of an operator must say."
  value       = local.settings
}

output "trigger_url" {
  description = "Where the trigger is called, and the audience that a caller's token must name."
  value       = local.trigger_url
}

output "function_addresses" {
  description = "Addresses that the platform gave the functions. Eventarc names the second one as audience: see `audiences`."
  value       = concat([google_cloudfunctions2_function.trigger.url], google_cloudfunctions2_function.landed[*].service_config[0].uri)
}

output "image_repository" {
  description = "Where images of the batch are pushed to."
  value       = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}/opslake"
}

output "bigquery" {
  description = "Settings of `opslake publish bigquery`."
  value = {
    OPSLAKE_BIGQUERY_PROJECT    = var.project_id
    OPSLAKE_BIGQUERY_DATASET    = google_bigquery_dataset.open.dataset_id
    OPSLAKE_BIGQUERY_CONNECTION = "${var.project_id}.${var.region}.${google_bigquery_connection.lake.connection_id}"
  }
}
