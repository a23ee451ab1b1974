// The peer of `changes`: a trigger that notifies with the whole row, one LISTEN, Bun's own publish to whom it concerns.
import pg from "pg";
const db = new pg.Client({ connectionString: process.argv[2] });
await db.connect();
await db.query(`CREATE OR REPLACE FUNCTION bench_tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pg_notify('bench_changes', json_build_object('project_id', NEW.project_id, 'title', NEW.title, 'description', NEW.description,
    'users', NEW.users, 'state', NEW.state, 'last_edited', NEW.last_edited)::text); RETURN NULL; END $$`);
await db.query("CREATE OR REPLACE TRIGGER bench_tell AFTER UPDATE ON projects FOR EACH ROW EXECUTE FUNCTION bench_tell()");
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request, s) => (s.upgrade(request, { data: new URL(request.url).searchParams.get("account") }) ? undefined : new Response("no", { status: 400 })),
  websocket: { perMessageDeflate: false, open: (w) => { w.subscribe(w.data); w.send("{}"); }, message: () => {} },
});
db.on("notification", (n) => {
  const row = JSON.parse(n.payload);
  const text = JSON.stringify({ event: "changes", subscription: 1, changes: [{ op: "upsert", row }] });
  for (const account in row.users) server.publish(account, text);
});
await db.query("LISTEN bench_changes");
console.log(server.port);
