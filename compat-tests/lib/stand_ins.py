"""What a server speaks to in these tests: a router and a service broker, each on a port of its own, in this process."""

import http.server
import json
import threading
import urllib.parse


class Listening:
    """Answers with what `act(method, path, form or JSON)` returns: a status and a text, something for JSON, or None."""

    # What callers have to say of themselves, where it matters.
    authorization = None

    def __init__(self):
        self.calls = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def handler(whom):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def handle_any(self):
            path, query = urllib.parse.urlsplit(self.path)[2:4]
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            whom.calls.append(f"{self.command} {path}")
            if whom.authorization not in (None, self.headers.get("Authorization")):
                return self.answer(401, "wrong credentials")
            said = json.loads(body) if body.startswith("{") else urllib.parse.parse_qs(f"{query}&{body}")
            try:
                self.answer(*whom.act(self.command, [urllib.parse.unquote(part) for part in path.strip("/").split("/")], said))
            except (RuntimeError, KeyError) as error:
                self.answer(500, str(error))

        def answer(self, status, content=None):
            body = b"" if content is None else content.encode() if isinstance(content, str) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if isinstance(content, str) else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

    return Handler


class Router(Listening):
    """The tsuru router HTTP API; it only remembers what it was told."""

    def __init__(self):
        super().__init__()
        self.backends, self.certificates = {}, {}

    def act(self, method, path, said):
        match (method, path[1:]):
            case ("GET", ["info"]):
                return 200, {"class": "how fast it is"}
            case ("GET", ["support", "tls"]):
                return 200, None
            case ("PUT", ["backend", app]):
                self.backends[app] = said
                return 200, None
            case ("GET", ["backend", app]) if app in self.backends:
                return 200, {"addresses": [f"http://{app}.edge.example.com"]}
            case ("GET", ["backend", app, "status"]) if app in self.backends:
                return 200, {"status": "ready"}
            case ("DELETE", ["backend", app]) if app in self.backends:
                del self.backends[app]
                return 200, None
            case ("PUT", ["backend", app, "certificate", cname]):
                self.certificates[app, cname] = said
                return 200, None
            case ("GET", ["backend", app, "certificate", cname]) if (app, cname) in self.certificates:
                return 200, {"certificate": self.certificates[app, cname]["certificate"]}
            case ("DELETE", ["backend", app, "certificate", cname]) if (app, cname) in self.certificates:
                del self.certificates[app, cname]
                return 200, None
        return 404, "not found"


class Broker(Listening):
    """tsuru's classic service API: instances with plans and tags, bound to apps and jobs."""

    PLANS = [
        {"name": "small", "description": "a shared shelf"},
        {"name": "large", "description": "a shelf of one's own", "schemas": {"service_instance": {"create": {"parameters": {
            "$id": "https://example.com/schema.json", "type": "object", "properties": {"copies": {"type": "integer"}}}}}}},
    ]

    def __init__(self):
        super().__init__()
        self.instances = {}

    def act(self, method, path, said):
        match (method, path):
            case ("GET", ["resources", "plans"]):
                return 200, self.PLANS
            case ("POST", ["resources"]):
                name = said["name"][0]
                if name == "refused":
                    return 412, "no shelf is left"
                self.instances[name] = {"plan": said.get("plan", [""])[0], "tags": said.get("tag", []), "bound": set()}
                return 201, None
            case (_, ["resources", name, *_]) if name not in self.instances:
                return 404, "no such shelf"
            case ("GET", ["resources", name, "status"]):
                return 204, None
            case ("GET", ["resources", name]):
                return 200, [{"label": "Notes on the shelf", "value": "3"}]
            case ("GET", ["resources", name, "notes"]):
                return 200, "a note through the proxy\n"
            case ("PUT", ["resources", name]):
                self.instances[name]["plan"] = said.get("plan", [""])[0]
                return 200, None
            case ("DELETE", ["resources", name]):
                del self.instances[name]
                return 200, None
            case ("POST", ["resources", name, "bind-app"]):
                return self.bind(name, said["app-name"][0])
            case ("DELETE", ["resources", name, "bind-app"]):
                self.instances[name]["bound"].discard(said["app-name"][0])
                return 200, None
            case ("PUT", ["resources", name, "binds", "jobs", job]):
                return self.bind(name, f"job {job}")
            case ("DELETE", ["resources", name, "binds", "jobs", job]):
                self.instances[name]["bound"].discard(f"job {job}")
                return 200, None
        return 404, "not found"

    def bind(self, name, whom):
        self.instances[name]["bound"].add(whom)
        return 201, {"NOTES_URL": f"{self.url}/notes/{name}", "NOTES_KEY": "a key of the notes"}
