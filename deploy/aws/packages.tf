# What is deployed: the code and what it imports, under the release's name. Without packages (nobody called make) only a
# validation succeeds: their hashes are left open here, and an upload fails.

locals {
  jobs = "${path.module}/../../spark_jobs"
  dist = "${path.module}/../../dist"

  packages = merge(
    { for file in fileset(local.jobs, "{daily,backfill,maintain}.py") : file => "${local.jobs}/${file}" },
    {
      "opslake.zip"      = "${local.dist}/opslake.zip"
      "requirements.txt" = "${local.dist}/requirements-glue.txt"
    },
  )

  release_uri = "s3://${aws_s3_bucket.buckets["packages"].id}/releases/${var.release}"
}

resource "aws_s3_object" "packages" {
  for_each    = local.packages
  bucket      = aws_s3_bucket.buckets["packages"].id
  key         = "releases/${var.release}/${each.key}"
  source      = each.value
  source_hash = try(filemd5(each.value), null)
}

resource "aws_s3_object" "function" {
  bucket      = aws_s3_bucket.buckets["packages"].id
  key         = "function/trigger.zip"
  source      = "${local.dist}/trigger-aws.zip"
  source_hash = try(filemd5("${local.dist}/trigger-aws.zip"), null)
}
