"""Measurements that answer to the budgets of the design: heap with TLS up, WebSocket against its peers, sizes."""
