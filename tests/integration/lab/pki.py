"""Certificates for tests, made once a run by openssl."""
import os
import ssl
import subprocess


def self_signed(folder, name="mx.gmail.test", days="30"):
	"""(certificate file, key file) for a host name or an address."""
	cert, key = f"{folder}/{name}.crt", f"{folder}/{name}.key"
	if not os.path.exists(cert):
		subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
			"-nodes", "-keyout", key, "-out", cert, "-days", days, "-subj", f"/CN={name}",
			"-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
		os.chmod(key, 0o600)
	return cert, key


def server_context(folder, name="mx.gmail.test"):
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
	context.load_cert_chain(*self_signed(folder, name))
	return context


def client_context():
	"""Takes any certificate: the peer is the one that the test started."""
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
	context.check_hostname = False
	context.verify_mode = ssl.CERT_NONE
	return context
