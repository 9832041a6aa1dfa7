resource "aws_s3_bucket" "buckets" {
  for_each = local.buckets
  bucket   = each.value

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_public_access_block" "buckets" {
  for_each                = aws_s3_bucket.buckets
  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "buckets" {
  for_each = aws_s3_bucket.buckets
  bucket   = each.value.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "buckets" {
  for_each = aws_s3_bucket.buckets
  bucket   = each.value.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# `opslake maintain` deletes what Delta no longer needs; this deletes what was deleted.
resource "aws_s3_bucket_lifecycle_configuration" "buckets" {
  for_each   = aws_s3_bucket.buckets
  bucket     = each.value.id
  depends_on = [aws_s3_bucket_versioning.buckets]

  rule {
    id     = "deleted-and-replaced"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_days
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }

  dynamic "rule" {
    for_each = each.key == "landing" ? [var.landing_coldline_days] : []
    content {
      id     = "old-deliveries"
      status = "Enabled"
      filter {}
      transition {
        days          = rule.value
        storage_class = "STANDARD_IA"
      }
    }
  }

  dynamic "rule" {
    for_each = each.key == "results" ? [30] : []
    content {
      id     = "old-results"
      status = "Enabled"
      filter {}
      expiration {
        days = rule.value
      }
    }
  }
}

# Nothing is read or written without TLS.
data "aws_iam_policy_document" "tls" {
  for_each = aws_s3_bucket.buckets

  statement {
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [each.value.arn, "${each.value.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "buckets" {
  for_each   = aws_s3_bucket.buckets
  bucket     = each.value.id
  policy     = data.aws_iam_policy_document.tls[each.key].json
  depends_on = [aws_s3_bucket_public_access_block.buckets]
}

# Files that land are told to EventBridge.
resource "aws_s3_bucket_notification" "landing" {
  bucket      = aws_s3_bucket.buckets["landing"].id
  eventbridge = var.start_on_delivery
}

# The lake: the job writes, the function reads the ledger, analysts read Gold and the state.

data "aws_iam_policy_document" "lake_job" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = ["${aws_s3_bucket.buckets["lake"].arn}/*"]
  }
  statement {
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.buckets["landing"].arn}/*", "${aws_s3_bucket.buckets["packages"].arn}/*"]
  }
  statement {
    actions = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [
      for bucket in ["lake", "landing", "packages"] : aws_s3_bucket.buckets[bucket].arn
    ]
  }
}

resource "aws_iam_role_policy" "lake_job" {
  name   = "lake"
  role   = aws_iam_role.job.id
  policy = data.aws_iam_policy_document.lake_job.json
}

data "aws_iam_policy_document" "lake_trigger" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.buckets["lake"].arn}/state/*", "${aws_s3_bucket.buckets["landing"].arn}/*"]
  }
  statement {
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.buckets["lake"].arn]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["state/*"]
    }
  }
  statement {
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.buckets["landing"].arn]
  }
}

resource "aws_iam_role_policy" "lake_trigger" {
  name   = "lake"
  role   = aws_iam_role.trigger.id
  policy = data.aws_iam_policy_document.lake_trigger.json
}

data "aws_iam_policy_document" "lake_analyst" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.buckets["lake"].arn}/gold/*", "${aws_s3_bucket.buckets["lake"].arn}/state/*"]
  }
  statement {
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.buckets["lake"].arn]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["gold/*", "state/*"]
    }
  }
  # Said once more as a refusal, which no other policy of theirs can overrule.
  statement {
    effect  = "Deny"
    actions = ["s3:GetObject*"]
    resources = concat(
      [for layer in ["bronze", "silver", "exception"] : "${aws_s3_bucket.buckets["lake"].arn}/${layer}/*"],
      [for table in var.restricted_gold : "${aws_s3_bucket.buckets["lake"].arn}/gold/${table}/*"],
      ["${aws_s3_bucket.buckets["landing"].arn}/*"],
    )
  }
}

resource "aws_iam_role_policy" "lake_analyst" {
  count  = length(var.analysts) > 0 ? 1 : 0
  name   = "lake"
  role   = aws_iam_role.people["analyst"].id
  policy = data.aws_iam_policy_document.lake_analyst.json
}

data "aws_iam_policy_document" "lake_operator" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = ["${aws_s3_bucket.buckets["lake"].arn}/*", "${aws_s3_bucket.buckets["landing"].arn}/*"]
  }
  statement {
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [aws_s3_bucket.buckets["lake"].arn, aws_s3_bucket.buckets["landing"].arn]
  }
}

resource "aws_iam_role_policy" "lake_operator" {
  count  = length(var.operators) > 0 ? 1 : 0
  name   = "lake"
  role   = aws_iam_role.people["operator"].id
  policy = data.aws_iam_policy_document.lake_operator.json
}
