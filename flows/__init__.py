"""Decide: one Prefect flow a file; the only place that knows Prefect."""
