session_prefix "" { policy = "read" }
key_prefix "locks/ephemeral/" { policy = "read" }
