"""Payment providers, each behind domain.ports.PaymentProvider."""
