"""The terminals of JupyterLab (terminado on tornado): prints its port, serves `bash --norc` at /."""
import os
import tornado.httpserver
import tornado.ioloop
import tornado.netutil
import tornado.web
from terminado import TermSocket, UniqueTermManager

manager = UniqueTermManager(shell_command=["bash", "--norc"], extra_env={"PS1": "$ "})
application = tornado.web.Application([("/", TermSocket, {"term_manager": manager})])
sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
tornado.httpserver.HTTPServer(application).add_sockets(sockets)
print(sockets[0].getsockname()[1], flush=True)
os.environ["TERM"] = "xterm-256color"
tornado.ioloop.IOLoop.current().start()
