# Credentials of sources, which contracts refer to, and receivers of messages. Terraform makes the places and never sees what is in them: values are
# added by hand (docs/runbook.md), so they stand in no state file and no plan.

locals {
  secrets = setunion(var.secrets, var.notify ? ["notify"] : [])
}

resource "aws_secretsmanager_secret" "secrets" {
  for_each                = local.secrets
  name                    = "${var.name}/${each.key}"
  recovery_window_in_days = 7
}

data "aws_iam_policy_document" "secrets_job" {
  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [for secret in aws_secretsmanager_secret.secrets : secret.arn]
  }
}

resource "aws_iam_role_policy" "secrets_job" {
  count  = length(local.secrets) > 0 ? 1 : 0
  name   = "secrets"
  role   = aws_iam_role.job.id
  policy = data.aws_iam_policy_document.secrets_job.json
}

data "aws_iam_policy_document" "secrets_operator" {
  statement {
    actions   = ["secretsmanager:PutSecretValue", "secretsmanager:DescribeSecret"]
    resources = [for secret in aws_secretsmanager_secret.secrets : secret.arn]
  }
}

resource "aws_iam_role_policy" "secrets_operator" {
  count  = length(var.operators) > 0 && length(local.secrets) > 0 ? 1 : 0
  name   = "secrets"
  role   = aws_iam_role.people["operator"].id
  policy = data.aws_iam_policy_document.secrets_operator.json
}
