"""A small CRM: customers in PostgreSQL, a cache that may be gone, and one definition for all sites."""
