-- What several processes on one ledger need of it beside the rows.

-- Names this ledger: its replicas meet on a channel of that name, and on no other.
create table crossfade.identity (id uuid not null default gen_random_uuid());
insert into crossfade.identity default values;

-- Counts every change of the caps, removals too: one number says whether a replica's caps are current.
create table crossfade.revision (
  what text primary key,
  n    bigint not null
);
insert into crossfade.revision values ('caps', 0);

create function crossfade.count_revision() returns trigger language plpgsql as $$
begin
  update crossfade.revision set n = n + 1 where what = tg_argv[0];
  return null;
end $$;

create trigger cap_revision after insert or update or delete on crossfade.cap
  for each statement execute function crossfade.count_revision('caps');
