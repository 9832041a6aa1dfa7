# The function that looks what is due and starts the job: docs/trigger.md has its variables.

locals {
  trigger_environment = merge(
    local.settings,
    {
      TRIGGER_NAME          = var.name
      TRIGGER_GLUE_JOB      = aws_glue_job.daily.name
      TRIGGER_BACKFILL_FILE = "${local.release_uri}/backfill.py"
    },
  )
}

resource "aws_iam_role" "trigger" {
  name               = "${var.name}-trigger"
  assume_role_policy = data.aws_iam_policy_document.service["lambda"].json
}

data "aws_iam_policy_document" "trigger" {
  statement {
    actions   = ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns"]
    resources = [aws_glue_job.daily.arn]
  }
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.trigger.arn}:*"]
  }
}

resource "aws_iam_role_policy" "trigger" {
  name   = "job"
  role   = aws_iam_role.trigger.id
  policy = data.aws_iam_policy_document.trigger.json
}

resource "aws_cloudwatch_log_group" "trigger" {
  name              = "/aws/lambda/${var.name}-trigger"
  retention_in_days = 90
}

resource "aws_lambda_function" "trigger" {
  function_name     = "${var.name}-trigger"
  description       = "Starts the Spark job where something is due."
  role              = aws_iam_role.trigger.arn
  runtime           = "python3.12"
  architectures     = ["x86_64"]
  handler           = "trigger_function.aws_lambda.handler"
  s3_bucket         = aws_s3_object.function.bucket
  s3_key            = aws_s3_object.function.key
  s3_object_version = aws_s3_object.function.version_id
  memory_size       = 1024
  timeout           = 60
  depends_on        = [aws_iam_role_policy.trigger]

  environment {
    variables = local.trigger_environment
  }
}

# Nobody calls it without an identity: it has no URL, and only these may invoke it.

data "aws_iam_policy_document" "trigger_invoked" {
  statement {
    actions   = ["lambda:InvokeFunction"]
    resources = [aws_lambda_function.trigger.arn]
  }
}

resource "aws_iam_role_policy" "trigger_invoked_by_states" {
  name   = "trigger"
  role   = aws_iam_role.states.id
  policy = data.aws_iam_policy_document.trigger_invoked.json
}

resource "aws_iam_role_policy" "trigger_invoked_by_operators" {
  count  = length(var.operators) > 0 ? 1 : 0
  name   = "trigger"
  role   = aws_iam_role.people["operator"].id
  policy = data.aws_iam_policy_document.trigger_invoked.json
}

# Files that land call it directly; the schedule does so through the state machine.

resource "aws_cloudwatch_event_rule" "landed" {
  count       = var.start_on_delivery ? 1 : 0
  name        = "${var.name}-landed"
  description = "A delivery, or its ready marker, has landed."
  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail      = { bucket = { name = [aws_s3_bucket.buckets["landing"].id] } }
  })
}

resource "aws_cloudwatch_event_target" "landed" {
  count = var.start_on_delivery ? 1 : 0
  rule  = aws_cloudwatch_event_rule.landed[0].name
  arn   = aws_lambda_function.trigger.arn
}

resource "aws_lambda_permission" "landed" {
  count         = var.start_on_delivery ? 1 : 0
  statement_id  = "landed"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.trigger.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.landed[0].arn
}
