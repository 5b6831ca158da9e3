"""The pages of the docs as a site, made by ``scripts/docs``; nothing of it is kept in git."""
