"""HTTP intake, for systems that cannot speak Kafka: a request is checked whole, stored, and only then answered."""
