# The Spark job. Its concurrency is 1: a lake has one writer.

locals {
  # The settings of opslake, as the job and the function get them.
  settings = merge(
    {
      OPSLAKE_LAKE              = "s3://${aws_s3_bucket.buckets["lake"].id}"
      OPSLAKE_LANDING           = "s3://${aws_s3_bucket.buckets["landing"].id}"
      OPSLAKE_BUSINESS_TIMEZONE = var.business_timezone
    },
    var.contracts == null ? {} : { OPSLAKE_CONTRACTS = var.contracts },
    var.settings,
  )

  # Glue takes one --conf: further ones stand in its value.
  spark_conf = join(" --conf ", [
    "spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog",
  ])
}

resource "aws_iam_role" "job" {
  name               = "${var.name}-job"
  assume_role_policy = data.aws_iam_policy_document.service["glue"].json
}

data "aws_iam_policy_document" "job_logs" {
  statement {
    actions   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.arn}:logs:${var.region}:${local.account}:log-group:/aws-glue/*"]
  }
  statement {
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"]
    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = ["Glue"]
    }
  }
}

resource "aws_iam_role_policy" "job_logs" {
  name   = "logs"
  role   = aws_iam_role.job.id
  policy = data.aws_iam_policy_document.job_logs.json
}

resource "aws_glue_job" "daily" {
  name              = "${var.name}-daily"
  description       = "Loads what is due."
  role_arn          = aws_iam_role.job.arn
  glue_version      = var.runtime_version
  worker_type       = var.worker_type
  number_of_workers = var.workers
  timeout           = var.job_timeout_minutes
  max_retries       = 0 # a run that failed is tried again by the state machine, which knows why
  depends_on        = [aws_s3_object.packages]

  command {
    name            = "glueetl"
    script_location = "${local.release_uri}/daily.py"
    python_version  = "3"
  }

  execution_property {
    max_concurrent_runs = 1
  }

  default_arguments = merge(
    { for key, value in local.settings : "--${key}" => value },
    {
      "--datalake-formats"                = "delta"
      "--conf"                            = local.spark_conf
      "--extra-py-files"                  = "${local.release_uri}/opslake.zip"
      "--additional-python-modules"       = "${local.release_uri}/requirements.txt"
      "--python-modules-installer-option" = "-r"
      "--enable-metrics"                  = "true"
      "--job-language"                    = "python"
    },
    var.notify ? { "--OPSLAKE_NOTIFY" = "aws-secret:${var.name}/notify" } : {},
    var.job_arguments,
  )
}
