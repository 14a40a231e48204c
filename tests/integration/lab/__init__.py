"""The laboratory: the real waypost between real peers, on loopback addresses of its own.

`net` hands out addresses, `waypost` runs the server, `mailbox` is the provider that it delivers to,
`zone` the DNS server, `client` those who bring mail, `message` what they bring.
"""
