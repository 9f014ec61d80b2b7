-- What gates remember and count. Their meaning is the room flags'; here they are kept, and each change of a record is written
-- down as events in the same commit.

-- A row without a record: the integration ran before there were gates, and what it runs counts as passed.
create table crossfade.gate (
  integration text collate "C" primary key,
  version     bigint not null default 0,
  record      jsonb,
  -- When a process last counted for it: one of them does, in turns.
  looked_at   timestamptz not null default '-infinity'
);
insert into crossfade.gate (integration) select integration from crossfade.flag_memory;

insert into crossfade.revision values ('gates', 0);
create trigger gate_revision after insert or update of record or delete on crossfade.gate
  for each statement execute function crossfade.count_revision('gates');

-- Conclusive shadow comparisons, over all processes, since the cohort entered shadow.
create table crossfade.comparison (
  integration text collate "C" not null,
  cohort      text not null,
  n           bigint not null,
  primary key (integration, cohort)
) with (fillfactor = 50);

-- Comparisons of what has left the ledger say nothing of what may come back.
create function crossfade.forget_comparisons() returns trigger language plpgsql as $$
begin
  delete from crossfade.comparison c where c.integration = new.name;
  return null;
end $$;
create trigger integration_left after update of state on crossfade.integration
  for each row when (new.state in ('bare', 'finalized')) execute function crossfade.forget_comparisons();

-- Replaces a record and appends its events, if the asker knows everything that the record follows from: the version before, the
-- flag that was accepted last, the caps and the integration's state. Returns {version, revision}, or null and changes nothing:
-- of several processes that see the same change one writes it down, and one that lags behind undoes nothing.
create function crossfade.save_gate(integration text, expected bigint, record jsonb, definition jsonb, caps bigint, epoch bigint,
  reset text[], events jsonb) returns jsonb language plpgsql volatile as $$
declare
  revision bigint;
begin
  insert into crossfade.gate (integration) values (save_gate.integration) on conflict do nothing;
  perform from crossfade.gate g where g.integration = save_gate.integration and g.version = expected for update;
  if not found
    or (select f.record #> '{flags,0,definition}' from crossfade.flag_memory f where f.integration = save_gate.integration)
      is distinct from definition
    or (select r.n from crossfade.revision r where r.what = 'caps') <> caps
    or coalesce((select i.epoch from crossfade.integration i where i.name = save_gate.integration), 0) <> epoch
  then return null; end if;
  update crossfade.gate g set record = save_gate.record, version = expected + 1 where g.integration = save_gate.integration;
  delete from crossfade.comparison c where c.integration = save_gate.integration and c.cohort = any (reset);
  select r.n into revision from crossfade.revision r where r.what = 'gates';
  insert into crossfade.event (kind, integration, actor, detail)
    select e ->> 'kind', save_gate.integration, e ->> 'actor', e -> 'detail' || jsonb_build_object('gates_revision', revision)
    from jsonb_array_elements(events) e;
  return jsonb_build_object('version', expected + 1, 'revision', revision);
end $$;

-- Events are bounded: beyond the newest hundred thousand the oldest go, but for the reports of finalize and abandon.
create function crossfade.prune_events() returns trigger language plpgsql as $$
begin
  delete from crossfade.event e where e.id <= new.id - 100000 and e.kind not in ('finalized', 'abandoned', 'key-destroyed');
  return null;
end $$;
create trigger event_bound after insert on crossfade.event
  for each row when (new.id % 500 = 0) execute function crossfade.prune_events();
