# What must be given

variable "alert_emails" {
  description = "Addresses that are told of a failed run and of a day without one. Each has to confirm a mail once."
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
  description = "Region of everything."
  type        = string
  default     = "ap-south-1"
}

variable "labels" {
  description = "Tags of every resource, beside those that are set here."
  type        = map(string)
  default     = {}
}

variable "release" {
  description = "What is deployed: a commit. Packages lie under this name; make sets it from git."
  type        = string
  default     = "local"
}

# People: ARNs of roles or users of IAM, which may take the role that is made for them.

variable "operators" {
  description = "Who may load by hand, call the trigger, deliver files and publish tables to Athena."
  type        = list(string)
  default     = []
}

variable "analysts" {
  description = "Who may query Gold and the state in Athena, and nothing else."
  type        = list(string)
  default     = []
}

variable "restricted_gold" {
  description = "Gold tables that analysts may not read: those that `opslake publish athena` puts aside as personal."
  type        = list(string)
  default     = []
}

# When

variable "schedule" {
  description = "When the daily run starts, as EventBridge writes cron, in `schedule_timezone`."
  type        = string
  default     = "cron(0 8 * * ? *)"
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

variable "alert_hours" {
  description = "After so many hours without a run that has ended well somebody is told."
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
  description = "After so many days a delivered file moves to infrequent access. Files are never deleted."
  type        = number
  default     = 90
}

# The job

variable "runtime_version" {
  description = "Glue version: 5.1 is Spark 3.5 with Python 3.11."
  type        = string
  default     = "5.1"
  validation {
    condition     = contains(["5.1"], var.runtime_version)
    error_message = "opslake is tested on what Glue 5.1 has."
  }
}

variable "worker_type" {
  description = "Size of a Glue worker: G.1X has 4 cores and 16 GB."
  type        = string
  default     = "G.1X"
}

variable "workers" {
  description = "Number of workers, the driver's included; Glue takes 2 at least."
  type        = number
  default     = 2
}

variable "job_timeout_minutes" {
  description = "A job that still runs after so long is ended. It may be started again at any moment."
  type        = number
  default     = 360
}

variable "job_arguments" {
  description = "Further arguments of the Glue job, with their leading dashes."
  type        = map(string)
  default     = {}
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
