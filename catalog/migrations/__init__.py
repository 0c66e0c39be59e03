"""How the tables came to be: Alembic migrations, run by `catalog.migrate` and nobody else.

Migrations only add: a program of the version before must still be able to read and write while
several machines are being updated. Names are `NNNN_what_changes`.
"""
