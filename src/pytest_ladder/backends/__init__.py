"""The only home of third-party models, each imported when it is used."""
