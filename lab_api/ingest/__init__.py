"""From MQTT into the store: validate, commit, then acknowledge and confirm by receipt."""
