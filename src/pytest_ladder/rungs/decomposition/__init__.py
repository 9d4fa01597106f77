"""The strategies of `decompose` that take a task apart."""
