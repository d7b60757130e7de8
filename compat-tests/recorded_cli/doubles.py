"""The broker and the router that the recorded server had, stood in for by small HTTP servers."""

import http.server
import json
import threading
import urllib.parse

PLANS = [
    {
        "name": "small",
        "description": "one shared schema",
        "schemas": {"service_instance": {"create": {"parameters": {"type": "object", "properties": {"size": {"type": "string", "description": "disk"}}}}}},
    },
    {"name": "large", "description": "a server of its own"},
]
INFO = {
    "all-prefixes": "If set to true, exposes all of the services of the app, allowing them to be accessible from the router.",
    "class": "Ingress class for the Ingress object",
    "domain": "Domain used on Ingress.",
    "route": "Path used on Ingress rule.",
    "tls-acme": "If set to true, adds ingress TLS options to Ingress. Defaults to false.",
}


class Double:
    """An HTTP server whose answers `act(method, path, body)` gives: status and JSON, text or nothing."""

    def __init__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()

    def handler(double):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                path = [urllib.parse.unquote(part) for part in urllib.parse.urlsplit(self.path).path.strip("/").split("/")]
                status, content = double.act(self.command, path, body)
                data = b"" if content is None else content.encode() if isinstance(content, str) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain" if isinstance(content, str) else "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any

        return Handler


class Broker(Double):
    """tsuru's classic service API, for databases that are nowhere."""

    def act(self, method, path, body):
        match (method, path):
            case ("GET", ["resources", "plans"]):
                return 200, PLANS
            case ("POST", ["resources"]) if urllib.parse.parse_qs(body).get("name", [""])[0].startswith("fail"):
                return 500, "broker says no"
            case ("POST", ["resources"]):
                return 201, None
            case ("GET", ["resources", _]):
                return 200, [{"label": "Connections", "value": "3"}, {"label": "Size", "value": "12MB"}]
            case ("GET", ["resources", _, "status"]):
                return 204, None
            case ("POST", ["resources", name, "bind-app"]):
                return 201, {"DATABASE_HOST": "db.internal", "DATABASE_NAME": name, "DATABASE_PASSWORD": "s3cr3t"}
            case ("PUT" | "DELETE", ["resources", *_]):
                return 200, None
        return 404, "no such resource"

    def manifest(self):
        return f"id: mysql\nusername: mysqluser\npassword: mysqlpass\nendpoint:\n  production: {self.url}\nteam: demo\n"


class Router(Double):
    """The tsuru router HTTP API, for apps that answer nowhere."""

    def __init__(self):
        self.known = set()
        super().__init__()

    def act(self, method, path, body):
        match (method, path[1:]):
            case ("GET", ["info"]):
                return 200, INFO
            case ("PUT", ["backend", app]):
                self.known.add(app)
                return 200, None
            case ("DELETE", ["backend", app]) if app in self.known:
                self.known.remove(app)
                return 200, None
            case ("GET", ["backend", app]):
                address = f"{app}.apps.localhost" if app in self.known else ""
                return 200, {"address": address, "addresses": [address]}
            case ("GET", ["backend", app, "status"]):
                return 200, {"status": "not ready", "detail": "" if app in self.known else "waiting for deploy"}
        return 404, "not found"
