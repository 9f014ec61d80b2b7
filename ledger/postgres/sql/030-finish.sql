-- finish: an operation ends. Void if its lease ended it before: then nothing is known of what happened since.
-- `failed` says that nothing of it was applied or ever will be: what its begin changed is undone.

create function crossfade.finish_one(q jsonb) returns jsonb language plpgsql volatile as $$
declare
  r crossfade.secret;
  op text := q ->> 'op';
  outcome text := q ->> 'outcome';
  o jsonb;
  undisturbed boolean;
begin
  select * into r from crossfade.secret s
    where s.integration = q ->> 'integration' and s.customer = q ->> 'customer' and s.name = q ->> 'name' for update;
  if not found or not r.ops ? op then return '{"kind": "void"}'; end if;
  o := r.ops -> op;
  -- Alone from begin to end: nobody was open before, nobody began since.
  undisturbed := (o ->> 'a')::boolean and (o ->> 'v')::bigint = r.version and r.ops - op = '{}';
  if outcome <> 'debt-open' then r.ops := r.ops - op; end if;
  if outcome <> 'failed' then
    r.before := null;
    -- Only now, so that one that was refused leaves nothing behind, and one of unknown outcome puts nothing out of quarantine.
    r.quarantine := null;
    r.gone := r.gone or o ->> 'k' = 'delete';
  end if;
  case outcome
    when 'clean' then
      if undisturbed then r := crossfade.become_both(r, o ->> 'd');
      else r := crossfade.move_fresh(r, r.first); r.current := null; end if;
    when 'debt' then
      r := crossfade.move_fresh(r, r.first);
      r.current := case when undisturbed then o ->> 'd' end;
    when 'debt-open' then
      r := crossfade.move_fresh(r, r.first);
    when 'failed' then
      r := crossfade.put_back(r);
  end case;
  r.legacy_version := coalesce(q -> 'versions' ->> 'legacy', r.legacy_version);
  r.new_version := coalesce(q -> 'versions' ->> 'new', r.new_version);
  if (q ->> 'knownSeq')::bigint = r.seq then r.known := true; end if;
  perform crossfade.save(r);
  return jsonb_build_object('kind', 'done', 'fresh', r.fresh, 'seq', r.seq, 'known', r.known);
end $$;

create function crossfade.finish_all(p jsonb) returns jsonb language plpgsql volatile as $$
declare
  q jsonb;
  ops text[] := '{}';
  answers jsonb[] := '{}';
begin
  for q in select e.value from jsonb_array_elements(p) with ordinality e (value, n)
    order by e.value ->> 'integration' collate "C", e.value ->> 'customer' collate "C", e.value ->> 'name' collate "C", e.n
  loop
    ops := ops || (q ->> 'op');
    answers := answers || array[crossfade.finish_one(q)];
  end loop;
  return crossfade.by_op(ops, answers);
end $$;

-- Every live replica knows the debt of this seq.
create function crossfade.known_all(p jsonb) returns void language plpgsql volatile as $$
declare
  q jsonb;
begin
  for q in select e.value from jsonb_array_elements(p) e (value)
    order by e.value ->> 'integration' collate "C", e.value ->> 'customer' collate "C", e.value ->> 'name' collate "C"
  loop
    update crossfade.secret s set known = true
      where s.integration = q ->> 'integration' and s.customer = q ->> 'customer' and s.name = q ->> 'name'
        and s.seq = (q ->> 'seq')::bigint and not s.known;
  end loop;
end $$;
