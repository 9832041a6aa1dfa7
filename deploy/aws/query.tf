# What Athena needs to show the lake: `opslake publish athena` fills the two databases.

locals {
  database  = replace(var.name, "-", "_")
  databases = { open = local.database, restricted = "${local.database}_restricted" }
  glue      = "${local.arn}:glue:${var.region}:${local.account}"

  glue_reads = ["glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables", "glue:GetPartition", "glue:GetPartitions"]
}

resource "aws_glue_catalog_database" "open" {
  name        = local.databases.open
  description = "Gold and state, without personal data. Filled by opslake publish athena."
}

resource "aws_glue_catalog_database" "restricted" {
  name        = local.databases.restricted
  description = "Tables of all layers that hold personal data. Filled by opslake publish athena."
}

resource "aws_athena_workgroup" "people" {
  for_each      = toset(["analyst", "operator"])
  name          = "${var.name}-${each.key}"
  description   = "Queries on the lake; results are deleted after 30 days."
  force_destroy = true

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = 1099511627776

    engine_version {
      selected_engine_version = "Athena engine version 3"
    }

    # A folder each: what an operator asked for may hold what an analyst may not see.
    result_configuration {
      output_location = "s3://${aws_s3_bucket.buckets["results"].id}/${each.key}/"
      encryption_configuration {
        encryption_option = "SSE_S3"
      }
    }
  }
}

data "aws_iam_policy_document" "query" {
  for_each = aws_athena_workgroup.people

  statement {
    actions = [
      "athena:GetQueryExecution", "athena:GetQueryResults", "athena:GetWorkGroup", "athena:ListQueryExecutions",
      "athena:StartQueryExecution", "athena:StopQueryExecution",
    ]
    resources = [each.value.arn]
  }
  statement {
    actions = local.glue_reads
    resources = concat(
      ["${local.glue}:catalog", "${local.glue}:database/default"],
      ["${local.glue}:database/${local.databases.open}", "${local.glue}:table/${local.databases.open}/*"],
    )
  }
  statement {
    actions   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = ["${aws_s3_bucket.buckets["results"].arn}/${each.key}/*"]
  }
  statement {
    actions   = ["s3:GetBucketLocation"]
    resources = [aws_s3_bucket.buckets["results"].arn]
  }
}

resource "aws_iam_role_policy" "query" {
  for_each = aws_iam_role.people
  name     = "query"
  role     = each.value.id
  policy   = data.aws_iam_policy_document.query[each.key].json
}

# Operators publish, and read the restricted database.

data "aws_iam_policy_document" "publish" {
  statement {
    actions = concat(local.glue_reads, ["glue:CreateTable", "glue:UpdateTable", "glue:DeleteTable"])
    resources = concat(
      ["${local.glue}:catalog"],
      [for database in values(local.databases) : "${local.glue}:database/${database}"],
      [for database in values(local.databases) : "${local.glue}:table/${database}/*"],
    )
  }
}

resource "aws_iam_role_policy" "publish" {
  count  = length(var.operators) > 0 ? 1 : 0
  name   = "publish"
  role   = aws_iam_role.people["operator"].id
  policy = data.aws_iam_policy_document.publish.json
}
