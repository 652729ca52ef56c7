"""What keeps the project's own pages and images: quickstart, montages, tables of the README."""
