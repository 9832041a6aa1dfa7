# What BigQuery needs to show the lake: `opslake publish bigquery` fills the two datasets.

locals {
  dataset = replace(var.name, "-", "_")

  # Members as the access list of a dataset wants them: one kind of attribute for each kind of member.
  members = { for member in setunion(var.analysts, var.operators) : member => {
    group = try(regex("^group:(.+)$", member)[0], null)
    user  = try(regex("^(?:user|serviceAccount):(.+)$", member)[0], null)
  } }
}

resource "google_bigquery_connection" "lake" {
  connection_id = var.name
  location      = var.region
  description   = "By which BigQuery reads the lake's bucket."
  depends_on    = [google_project_service.services]
  cloud_resource {}
}

# Who makes an external table must be allowed to use its connection.
resource "google_bigquery_connection_iam_member" "lake_operators" {
  for_each      = toset(var.operators)
  connection_id = google_bigquery_connection.lake.connection_id
  location      = var.region
  role          = "roles/bigquery.connectionUser"
  member        = each.key
}

# The analysts' dataset: views of Gold and state without personal columns

resource "google_bigquery_dataset" "open" {
  dataset_id    = local.dataset
  location      = var.region
  friendly_name = "opslake"
  description   = "Gold and state, without personal data. Filled by opslake publish bigquery."
  depends_on    = [google_project_service.services]
}

# Entries of the access list rather than IAM members of a dataset: those would drop the authorised views.
resource "google_bigquery_dataset_access" "open_analysts" {
  for_each       = toset(var.analysts)
  dataset_id     = google_bigquery_dataset.open.dataset_id
  role           = "READER"
  group_by_email = local.members[each.key].group
  user_by_email  = local.members[each.key].user
}

resource "google_bigquery_dataset_access" "open_operators" {
  for_each       = toset(var.operators)
  dataset_id     = google_bigquery_dataset.open.dataset_id
  role           = "OWNER"
  group_by_email = local.members[each.key].group
  user_by_email  = local.members[each.key].user
}

# The restricted dataset: the tables of all layers

resource "google_bigquery_dataset" "restricted" {
  dataset_id    = "${local.dataset}_restricted"
  location      = var.region
  friendly_name = "opslake, all layers"
  description   = "External tables of all layers, personal data included. Filled by opslake publish bigquery."
  depends_on    = [google_project_service.services]
}

resource "google_bigquery_dataset_access" "restricted_views" {
  dataset_id = google_bigquery_dataset.restricted.dataset_id
  dataset {
    dataset {
      project_id = var.project_id
      dataset_id = google_bigquery_dataset.open.dataset_id
    }
    target_types = ["VIEWS"]
  }
}

resource "google_bigquery_dataset_access" "restricted_operators" {
  for_each       = toset(var.operators)
  dataset_id     = google_bigquery_dataset.restricted.dataset_id
  role           = "OWNER"
  group_by_email = local.members[each.key].group
  user_by_email  = local.members[each.key].user
}

# Queries are jobs, and jobs belong to the project.
resource "google_project_iam_member" "query_jobs" {
  for_each = setunion(var.analysts, var.operators)
  project  = var.project_id
  role     = "roles/bigquery.jobUser"
  member   = each.key
}
