import { useBao } from '../support/bao.ts'
import { conforms } from './conformance.ts'
import { MAPPINGS, memorySubject, postgresSubject, sealedSubject, vaultKvSubject } from './subjects.ts'
import { transitSubject } from './transit-subject.ts'

const bao = useBao()

conforms('memory', memorySubject('fenced'))
conforms('memory plain', memorySubject('plain'))
for (const [name, mapping] of Object.entries(MAPPINGS)) conforms(name, postgresSubject(mapping))
conforms('sealed', sealedSubject)
conforms('sealed-transit', transitSubject(bao), bao.skip)
conforms('kv1', vaultKvSubject(bao, { version: 1 }), bao.skip)
conforms('kv1 map', vaultKvSubject(bao, { version: 1, value: { as: 'map' } }), bao.skip)
conforms('kv2', vaultKvSubject(bao, { version: 2 }), bao.skip)
conforms('kv2 map', vaultKvSubject(bao, { version: 2, value: { as: 'map' } }), bao.skip)
