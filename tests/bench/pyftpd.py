"""Runs pyftpdlib for the benchmark: anonymous, writable, no log, no limits.

Arguments: address, port, first and last passive port, root directory.
"""

import logging
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer


def main():
    address, port, first, last, root = sys.argv[1:]
    logging.disable(logging.CRITICAL)
    authorizer = DummyAuthorizer()
    authorizer.add_anonymous(root, perm="elradfmwMT")
    FTPHandler.authorizer = authorizer
    FTPHandler.passive_ports = range(int(first), int(last) + 1)
    FTPHandler.timeout = 900
    server = FTPServer((address, int(port)), FTPHandler, backlog=4096)
    server.max_cons = 0
    server.max_cons_per_ip = 0
    server.serve_forever()


main()
