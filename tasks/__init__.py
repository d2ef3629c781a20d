"""Act: one effect a module, plain functions that know no Prefect."""
