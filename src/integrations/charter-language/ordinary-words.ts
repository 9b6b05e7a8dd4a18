/** Words that are no place by themselves although one is called so, or has them in its name. */
export const ordinaryWords: ReadonlySet<string> = new Set(
  `a an the we i my our your his her it its this that these those there here he she they you me us them who what when where how why which and or but so if then as of in on at by with without from to for into out up down back home
  go going get getting fly flying flight flights trip travel travelling traveling travels leave leaving depart departing departure arrive arriving return returning rtn come coming bring take taking send move moving pick drop be been being is are was were will would could can may might must should have has had do does did need needs want wants like looking please pls thanks thank hi hello hey dear good morning afternoon evening night today tomorrow tonight day days week weeks weekend month year
  quote quotes quotation price pricing cost costs budget charter jet plane aircraft private one two three four five six seven eight nine ten way round people person passengers passenger pax guests adults kids children family dog cat pets bags luggage wifi catering ski skis golf meeting wedding party business board client clients boss team crew empty leg legs
  january february march april june july august september october november december monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat jan feb mar apr jun jul aug sep oct nov dec
  light heavy mid midsize size super large small very any some no not yes ok just only about around between before after until till more less than max under over each per total usd eur gbp chf dollars euros time date dates route option options available availability possible sometime maybe asap urgent also same next last first second third new old early late long short
  best kind regards sincerely cheers attention inquiry enquiry request req etd eta atd tbd tba vip ceo cfo pob heli anything everyone anyone something nothing everything confirm see say make help call know think find plan planning planned let give show dinner lunch breakfast noon midnight work school college use using visit all way wheels hop area airport airports field runway city town eta dep arr lt local utc`
    .split(/\s+/)
    .filter((one) => one !== ''),
);

/** Words of grammar, with which no name of a place begins or ends. */
export const functionalWords: ReadonlySet<string> = new Set(
  'a an the we i my our your his her it this that these those and or but so if then as of in on at by with without from to for into out up down be is are was will would could can may should have has had do does need want please hi hello hey dear go get fly leave depart arrive return back one two three four five six seven eight nine ten tomorrow today tonight'.split(
    ' ',
  ),
);

/** What looks like a code of an airport, and often is none. */
export const ordinaryCodes: ReadonlySet<string> = new Set(
  'PAX REQ ETD ETA MAX MIN AND THE FOR ONE TWO SIX TEN MAY MAR APR JUN JUL AUG SEP OCT NOV DEC JAN FEB SUN MON TUE WED THU FRI SAT USD EUR GBP CHF AUD CAD JET POB VIP CEO CFO RTN TBD TBA ASAP NEED WIFI ALL ANY NOT OUT VIA DEP ARR LEG LEGS DATE FROM TIME WITH BACK TRIP CREW DOGS PETS ARE CAN YOU OUR HAS HAD WAS WHO HOW NOW NEW DAY WAY FLY BIG GET LET SAY SEE USE ACC PLS TOP ADD BUT BUY END FAR FEW GOT HER HIM HIS HOT ILL ITS LOT MEN OLD OWN PAY PER PUT RUN SET SHE TRY WIN YES YET ISO REF UTC EST PST CST GMT BST CET'.split(
    ' ',
  ),
);
