/** The id under which the logs of all services tell what happened: for people to quote. */
export function TraceId({ id }: { id: string }) {
  return (
    <span class="trace-id">
      Trace id: <code>{id}</code>
    </span>
  );
}
