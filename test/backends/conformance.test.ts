import { useBao } from '../support/bao.ts'
import { conforms } from './conformance.ts'
import { MAPPINGS, memorySubject, postgresSubject, sealedSubject } from './subjects.ts'
import { transitSubject } from './transit-subject.ts'

const bao = useBao()

conforms('memory', memorySubject('fenced'))
conforms('memory plain', memorySubject('plain'))
for (const [name, mapping] of Object.entries(MAPPINGS)) conforms(name, postgresSubject(mapping))
conforms('sealed', sealedSubject)
conforms('sealed-transit', transitSubject(bao), bao.skip)
