session_prefix "" { policy = "write" }
key_prefix "locks/ephemeral/" { policy = "write" }
