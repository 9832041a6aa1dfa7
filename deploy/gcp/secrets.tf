# Credentials of sources, which contracts refer to, and receivers of messages. Terraform makes the places and never sees what is in them: values are
# added by hand (docs/runbook.md), so they stand in no state file and no plan.

resource "google_secret_manager_secret" "secrets" {
  for_each   = setunion(var.secrets, var.notify ? ["notify"] : [])
  secret_id  = "${var.name}-${each.key}"
  depends_on = [google_project_service.services]

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}

resource "google_secret_manager_secret_iam_member" "secrets_batch" {
  for_each  = google_secret_manager_secret.secrets
  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.batch.member
}

resource "google_secret_manager_secret_iam_member" "secrets_operators" {
  for_each  = { for pair in setproduct(keys(google_secret_manager_secret.secrets), var.operators) : join(" ", pair) => pair }
  secret_id = google_secret_manager_secret.secrets[each.value[0]].id
  role      = "roles/secretmanager.secretVersionAdder"
  member    = each.value[1]
}
