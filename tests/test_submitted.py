"""Settings among the arguments of a submitted job."""

from spark_jobs.submitted import split_arguments, take_settings


def test_settings_among_the_arguments_become_variables() -> None:
    """In both ways of writing them; the later wins, also over what the environment had."""
    environment = {"OPSLAKE_LANDING": "there"}
    given = ["--OPSLAKE_LAKE", "s3://a", "--date", "2026-01-31", "--OPSLAKE_LANDING=s3://b", "--OPSLAKE_LAKE", "s3://c"]
    assert take_settings(given, environment) == ["--date", "2026-01-31"]
    assert environment == {"OPSLAKE_LAKE": "s3://c", "OPSLAKE_LANDING": "s3://b"}


def test_arguments_that_glue_gives_every_job_are_set_aside() -> None:
    """Those of deploy/aws/spark.tf, as Glue hands them to the script."""
    glue = [
        "--JOB_NAME",
        "daily",
        "--enable-metrics",
        "true",
        "--datalake-formats",
        "delta",
        "--conf",
        "a=b --conf c=d",
    ]
    glue += ["--extra-py-files", "s3://p/opslake.zip", "--additional-python-modules", "s3://p/requirements.txt"]
    glue += ["--datalake-formats", "delta", "--python-modules-installer-option", "-r", "--job-language", "python"]
    assert split_arguments(take_settings([*glue, "--date", "2026-01-31"], {})) == ([], ["--date", "2026-01-31"])
