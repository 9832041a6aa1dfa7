# The daily run: the schedule starts a state machine, which asks the trigger, waits for the job and tries once more.

resource "aws_iam_role" "states" {
  name               = "${var.name}-states"
  assume_role_policy = data.aws_iam_policy_document.service["states"].json
}

data "aws_iam_policy_document" "states" {
  statement {
    actions   = ["glue:GetJobRun"]
    resources = [aws_glue_job.daily.arn]
  }
  statement {
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alerts.arn]
  }
}

resource "aws_iam_role_policy" "states" {
  name   = "job"
  role   = aws_iam_role.states.id
  policy = data.aws_iam_policy_document.states.json
}

resource "aws_sfn_state_machine" "daily" {
  name     = "${var.name}-daily"
  role_arn = aws_iam_role.states.arn
  definition = templatefile("${path.module}/daily.asl.json", {
    function = aws_lambda_function.trigger.arn
    job      = aws_glue_job.daily.name
    topic    = aws_sns_topic.alerts.arn
    seconds  = var.job_timeout_minutes * 60 * 2 + 7200
  })
}

resource "aws_iam_role" "schedule" {
  name               = "${var.name}-schedule"
  assume_role_policy = data.aws_iam_policy_document.service["scheduler"].json
}

data "aws_iam_policy_document" "schedule" {
  statement {
    actions   = ["states:StartExecution"]
    resources = [aws_sfn_state_machine.daily.arn]
  }
}

resource "aws_iam_role_policy" "schedule" {
  name   = "daily"
  role   = aws_iam_role.schedule.id
  policy = data.aws_iam_policy_document.schedule.json
}

resource "aws_iam_role_policy" "schedule_operators" {
  count  = length(var.operators) > 0 ? 1 : 0
  name   = "daily"
  role   = aws_iam_role.people["operator"].id
  policy = data.aws_iam_policy_document.schedule.json
}

resource "aws_scheduler_schedule" "daily" {
  name                         = "${var.name}-daily"
  description                  = "Loads what is due."
  schedule_expression          = var.schedule
  schedule_expression_timezone = var.schedule_timezone
  state                        = var.schedule_paused ? "DISABLED" : "ENABLED"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.daily.arn
    role_arn = aws_iam_role.schedule.arn
    input    = jsonencode({})
    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 5
    }
  }
}
