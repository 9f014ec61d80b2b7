-- What is in quarantine is little, and asked for by name.
create index secret_quarantined on crossfade.secret (integration, customer, name) where quarantine is not null;

-- Which entries may be tried again: a name that nobody can ask for stays one, and an open operation decides for itself.
create function crossfade.may_retry(s crossfade.secret) returns boolean language sql volatile as $$
  select s.quarantine is not null and s.quarantine <> 'not-addressable' and crossfade.is_quiet(s.ops, crossfade.now_ms())
$$;

-- Puts a page of entries back, to be settled like any debt; nothing is said of what the sides hold. `began`: entries that were
-- put into quarantine later, such as those that a settle has just put back, are left alone, so that the pages have an end.
-- Of a secret that nothing was ever written or copied of, what its row believes to know may have been learned from this very
-- attempt: forgotten, so that what new holds is foreign again and not put over.
create function crossfade.retry_quarantine(integration text, reasons text[], began timestamptz, most integer) returns integer
language plpgsql volatile as $$
declare
  put_back integer;
begin
  perform pg_advisory_xact_lock_shared(crossfade.state_key(integration));
  with page as (
    select crossfade.expire(s, crossfade.now_ms()) as r from crossfade.secret s
    where s.integration = retry_quarantine.integration and s.quarantine is not null and s.quarantine = any (reasons)
      and s.changed_at <= began and crossfade.may_retry(s)
    order by s.customer, s.name limit most for update
  )
  update crossfade.secret s set
    version = p.version,
    ops = p.ops,
    before = p.before,
    gone = p.gone,
    loose = p.loose,
    quarantine = null,
    accepted_version = null,
    attempts = 0,
    settle_after = '-infinity',
    current = case when p.version = 0 and not p.copied then null else p.current end,
    changed_at = clock_timestamp()
  from (select (page.r).* from page) p
  where s.integration = retry_quarantine.integration and s.customer = p.customer and s.name = p.name;
  get diagnostics put_back = row_count;
  return put_back;
end $$;
