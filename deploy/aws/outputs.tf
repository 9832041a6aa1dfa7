output "settings" {
  description = "What opslake.toml or the environment of an operator must say."
  value       = local.settings
}

output "trigger" {
  description = "The function, for `aws lambda invoke`."
  value       = aws_lambda_function.trigger.function_name
}

output "roles" {
  description = "The roles that operators and analysts take."
  value       = { for role, made in aws_iam_role.people : role => made.arn }
}

output "athena" {
  description = "Settings of `opslake publish athena`, and the workgroups to query in."
  value = {
    OPSLAKE_AWS_REGION    = var.region
    OPSLAKE_GLUE_DATABASE = aws_glue_catalog_database.open.name
    workgroups            = join(", ", [for group in aws_athena_workgroup.people : group.name])
  }
}
