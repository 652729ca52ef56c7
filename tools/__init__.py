"""What keeps the project's own pages and pictures: quickstart, montages, tables of the README."""
