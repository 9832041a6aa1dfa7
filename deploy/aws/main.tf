data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  tags = merge({ application = var.name, managed-by = "terraform" }, var.labels)

  account = data.aws_caller_identity.current.account_id
  arn     = "arn:${data.aws_partition.current.partition}"
  buckets = {
    lake     = "${var.name}-lake-${local.account}"
    landing  = "${var.name}-landing-${local.account}"
    packages = "${var.name}-packages-${local.account}"
    results  = "${var.name}-results-${local.account}"
  }
}

# Who a service's role may be taken by: the service, on behalf of this account.
data "aws_iam_policy_document" "service" {
  for_each = {
    glue      = "glue.amazonaws.com"
    lambda    = "lambda.amazonaws.com"
    scheduler = "scheduler.amazonaws.com"
    states    = "states.amazonaws.com"
    events    = "events.amazonaws.com"
  }

  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = [each.value]
    }
    # Glue and Lambda don't say for whom they act.
    dynamic "condition" {
      for_each = contains(["scheduler", "states"], each.key) ? [local.account] : []
      content {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [condition.value]
      }
    }
  }
}

# People: a role for operators and one for analysts. What they may do stands beside what they may do it to.

data "aws_iam_policy_document" "people" {
  for_each = { for role, people in { operator = var.operators, analyst = var.analysts } : role => people if length(people) > 0 }

  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = each.value
    }
  }
}

resource "aws_iam_role" "people" {
  for_each           = data.aws_iam_policy_document.people
  name               = "${var.name}-${each.key}"
  assume_role_policy = each.value.json
}
