"""A local S3: moto's server, and what a client needs to speak to it.

    with served() as port:
        there = bucket(port, "firmware")
        environ.update(credentials(port))
"""

import contextlib


@contextlib.contextmanager
def served():
    """Its port on the loopback."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield server.get_host_and_port()[1]
    finally:
        server.stop()


def options(port: int) -> dict[str, str]:
    """As obstore has them."""
    return {
        "aws_endpoint": f"http://127.0.0.1:{port}",
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test-secret",
        "aws_region": "us-east-1",
        "allow_http": "true",
    }


def credentials(port: int) -> dict[str, str]:
    """The same as variables of the environment."""
    return {("" if name.startswith("aws") else "AWS_") + name.upper(): value for name, value in options(port).items()}


def bucket(port: int, name: str):
    """A new bucket, as boto3 sees it."""
    import boto3

    resource = boto3.resource(
        "s3", "us-east-1", endpoint_url=f"http://127.0.0.1:{port}", aws_access_key_id="test", aws_secret_access_key="test-secret"
    )
    return resource.create_bucket(Bucket=name)  # type: ignore


def objects(there) -> dict[str, bytes]:
    """What is in a bucket."""
    return {o.key: o.get()["Body"].read() for o in there.objects.all()}
