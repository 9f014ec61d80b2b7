-- begin: one durable statement for all begins of the same instant (group commit). Two begins of one secret in a batch are
-- judged one after the other, as if they had come in two statements.

-- Which plans an integration's state admits. `bare` and `finalized` have no ledger at all.
create function crossfade.admits(state text, first text, second text) returns boolean language sql immutable as $$
  select case state
    when 'enrolled' then true
    when 'enrolling' then first = 'legacy' and second is null
    when 'abandoning' then first = 'legacy' and second is null
    when 'finalizing' then first = 'new' and second is null
    else false
  end
$$;

create function crossfade.begin_one(q jsonb, state text, inventoried boolean) returns jsonb language plpgsql volatile as $$
declare
  r crossfade.secret;
  op text := q ->> 'op';
  plan_first text := q ->> 'first';
  plan_second text := q ->> 'second';
  now_ms bigint;
  was_alone boolean;
  was_blank boolean;
  second text;
  answer jsonb;
begin
  -- Looked for first: nearly every write is of a secret that has its row.
  loop
    select * into r from crossfade.secret s
      where s.integration = q ->> 'integration' and s.customer = q ->> 'customer' and s.name = q ->> 'name' for update;
    exit when found;
    insert into crossfade.secret (integration, customer, name, fresh, first, blank, gone)
      values (q ->> 'integration', q ->> 'customer', q ->> 'name', 'legacy', plan_first, true, true)
      on conflict do nothing;
  end loop;
  if r.ops ? op then return r.ops -> op -> 'r'; end if; -- sent again: the same answer, nothing opened twice
  now_ms := crossfade.now_ms();
  r := crossfade.expire(r, now_ms);
  was_alone := r.ops = '{}';
  if not was_alone and (
    (q ->> 'expect') is not null
    or (q ->> 'needsQuiet')::boolean
    or exists (select from jsonb_each(r.ops) o where (o.value ->> 'x')::boolean)
  ) then
    return jsonb_build_object('kind', 'busy', 'retryAfter',
      (select max((o.value ->> 'u')::bigint) - now_ms from jsonb_each(r.ops) o));
  end if;
  if (q ->> 'expect') is not null then
    if r.current is null then return '{"kind": "not-known"}'; end if;
    if r.current <> (q ->> 'expect') then return '{"kind": "mismatch"}'; end if;
  end if;
  -- Put back if it is refused, and every write that joins it, too.
  if not crossfade.is_written(r.ops) then
    r.before := jsonb_build_object('v', r.version, 'f', r.fresh, 'c', r.current,
      'n', not r.copied and not (r.blank and inventoried));
  end if;
  if was_alone then r.first := plan_first; else r.current := null; end if;
  was_blank := r.blank;
  if r.fresh = 'both' then r := crossfade.move_fresh(r, r.first); end if;
  -- A joiner whose phase writes one side only still puts to the register first, then to its own side.
  second := case when plan_second is not null or r.first <> plan_first
    then case r.first when 'legacy' then 'new' else 'legacy' end end;
  if r.first = 'new' or second = 'new' then r.blank := false; end if;
  r.version := r.version + 1;
  answer := jsonb_build_object('kind', 'begun', 'version', r.version, 'first', r.first, 'second', second,
    'alone', was_alone, 'fresh', r.fresh, 'seq', r.seq, 'known', r.known, 'blank', was_blank);
  -- Until every replica tracks its writes, one that does not may write beside this operation: it is not undisturbed, and so
  -- the row learns nothing of what the fresh side holds.
  r.ops := r.ops || jsonb_build_object(op, jsonb_build_object('k', q ->> 'kind', 'v', r.version,
    'a', was_alone and state <> 'enrolling',
    'x', (q ->> 'expect') is not null, 'd', q ->> 'fingerprint', 'u', now_ms + (q ->> 'lease')::bigint, 'r', answer));
  perform crossfade.save(r);
  return answer;
end $$;

-- Arrays grow in place, where an object would be copied for each answer: 256 begins in 66 instead of 90 ms.
create function crossfade.by_op(ops text[], answers jsonb[]) returns jsonb language sql immutable as $$
  select coalesce(jsonb_object_agg(a.op, a.answer), '{}') from unnest(ops, answers) a (op, answer)
$$;

-- p: array of requests. Returns {operation id: answer}. Rows are locked in one order, so batches cannot deadlock.
create function crossfade.begin_all(p jsonb) returns jsonb language plpgsql volatile as $$
declare
  q jsonb;
  state text;
  inventoried boolean;
  ops text[] := '{}';
  answers jsonb[] := '{}';
begin
  for q in select e.value from jsonb_array_elements(p) with ordinality e (value, n)
    order by e.value ->> 'integration' collate "C", e.value ->> 'customer' collate "C", e.value ->> 'name' collate "C", e.n
  loop
    perform pg_advisory_xact_lock_shared(crossfade.state_key(q ->> 'integration'));
    select i.state, i.inventoried into state, inventoried from crossfade.integration i where i.name = q ->> 'integration';
    if crossfade.admits(coalesce(state, 'bare'), q ->> 'first', q ->> 'second') then
      answers := answers || array[crossfade.begin_one(q, state, inventoried)];
    else
      answers := answers || array['{"kind": "reload"}'::jsonb];
    end if;
    ops := ops || (q ->> 'op');
  end loop;
  return crossfade.by_op(ops, answers);
end $$;
