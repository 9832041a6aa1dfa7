# What must be given

variable "project_id" {
  description = "Project that everything is made in."
  type        = string
}

variable "alert_emails" {
  description = "Addresses that are told of a failed batch and of a day without a run."
  type        = list(string)
}

# Names and places

variable "name" {
  description = "What names of resources begin with: one per lake. A letter, then letters, digits and dashes."
  type        = string
  default     = "opslake"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,18}[a-z0-9]$", var.name))
    error_message = "4 to 20 small letters, digits and dashes, beginning with a letter."
  }
}

variable "region" {
  description = "Region of buckets, batches, the function and the BigQuery datasets."
  type        = string
  default     = "asia-south1"
}

variable "labels" {
  description = "Labels of every resource and every batch, beside those that are set here."
  type        = map(string)
  default     = {}
}

variable "release" {
  description = "What is deployed: a commit. Packages lie under this name; make sets it from git."
  type        = string
  default     = "local"
}

# People. Members are written as IAM writes them: user:…, group:…, serviceAccount:…

variable "operators" {
  description = "Who may load by hand, call the trigger, deliver files and publish tables to BigQuery."
  type        = list(string)
  default     = []
}

variable "analysts" {
  description = "Who may query Gold and the state in BigQuery, and nothing else."
  type        = list(string)
  default     = []
}

# When

variable "schedule" {
  description = "When the daily run starts, as cron, in `schedule_timezone`."
  type        = string
  default     = "0 8 * * *"
}

variable "schedule_timezone" {
  description = "IANA time zone of `schedule`."
  type        = string
  default     = "Asia/Kolkata"
}

variable "schedule_paused" {
  description = "Whether the schedule rests: for staging, which is run by hand."
  type        = bool
  default     = false
}

variable "start_on_delivery" {
  description = "Whether a file that lands starts a run as well."
  type        = bool
  default     = false
}

variable "audiences" {
  description = "Further audiences of tokens that the functions take: their other addresses, which the outputs show."
  type        = list(string)
  default     = []
}

variable "alert_hours" {
  description = "After so many hours without a run that has ended somebody is told."
  type        = number
  default     = 24
}

# The lake

variable "business_timezone" {
  description = "IANA time zone of business days. Another one later needs `opslake rebuild --silver`."
  type        = string
  default     = "Asia/Kolkata"
}

variable "contracts" {
  description = "Where contracts of your own lie, or null for the built-in ones only."
  type        = string
  default     = null
}

variable "settings" {
  description = "Further settings, as OPSLAKE_ variables. Where one is a secret, a reference to it and never the secret."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for name in keys(var.settings) : startswith(name, "OPSLAKE_") && name != "OPSLAKE_NOTIFY"])
    error_message = "Names begin with OPSLAKE_; OPSLAKE_NOTIFY holds credentials: docs/runbook.md, Who is told."
  }
}

variable "noncurrent_days" {
  description = "So many days a replaced or deleted object can be had back. It is paid for so long."
  type        = number
  default     = 7
}

variable "landing_coldline_days" {
  description = "After so many days a delivered file moves to the coldline class. Files are never deleted."
  type        = number
  default     = 90
}

# The batch

variable "runtime_version" {
  description = "Dataproc Serverless runtime: 3.0 (Spark 4.0) or 2.3 (Spark 3.5)."
  type        = string
  default     = "3.0"
  validation {
    condition     = contains(["3.0", "2.3"], var.runtime_version)
    error_message = "opslake is tested on 3.0 and 2.3."
  }
}

variable "container_image" {
  description = "Image of deploy/Dockerfile with its tag, or null: then the packages go as an archive."
  type        = string
  default     = null
}

variable "delta_jars" {
  description = "Whether a batch brings Delta's jars (runtime 3.0 only); false where the runtime's own shall be used."
  type        = bool
  default     = true
}

variable "batch_ttl_seconds" {
  description = "A batch that still runs after so long is ended. It may be started again at any moment."
  type        = number
  default     = 21600
}

variable "batch_properties" {
  description = "Further Spark properties of the batch, such as spark.executor.instances."
  type        = map(string)
  default     = {}
}

variable "subnetwork" {
  description = "Subnetwork of the batch, with Private Google Access; null: the region's default."
  type        = string
  default     = null
}

# Credentials of sources

variable "notify" {
  description = "Whether a run tells the receivers that stand in the secret `notify`, which you fill by hand."
  type        = bool
  default     = false
}

variable "secrets" {
  description = "Names of secrets that contracts refer to, for a database or a sheet."
  type        = set(string)
  default     = []
}
