"""Every variable name that mode 6 daemons are known to have, to ask each for the ones it knows.

Kept by hand from the daemons' documentation; a name that a daemon does not know is dropped at capture.
"""

SYSTEM = """
leap stratum precision rootdelay rootdisp rootdist refid reftime clock peer tc mintc offset frequency sys_jitter
clk_jitter clk_wander processor system version tai leapsec expire leapsmearinterval leapsmearoffset host ident digest
signature flags update cert until sys_var_list mru_enabled mru_depth mru_deepest mru_mindepth mru_maxdepth mru_maxage
mru_mem mru_maxmem mru_hashslots mru_minage mru_exists mru_new mru_recycleold mru_recyclefull mru_none mru_oldest_age
ss_uptime ss_reset ss_reset_r ss_received ss_thisver ss_oldver ss_badformat ss_badauth ss_declined ss_restricted
ss_limited ss_kodsent ss_processed ss_lamport ss_tsrounding ss_ver1 ss_ver1client ss_ver1zero ss_ver1symm ss_numctlreq
ss_received_r ss_thisver_r ss_oldver_r ss_badformat_r ss_badauth_r ss_declined_r ss_restricted_r ss_limited_r
ss_kodsent_r ss_processed_r ss_ver1_r ss_ver1client_r ss_ver1zero_r ss_ver1symm_r ss_numctlreq_r peeradr peermode
bcastdelay authdelay authreset authkeys authfreek authklookups authknotfound authencrypts authdecrypts authkuncached
authkexpired authdigestencrypts authcmacencrypts authdigestdecrypts authdigestfails authcmacdecrypts authcmacfails
koffset kfreq kmaxerr kesterr kprecis kfreqtol kppsfreq kppsstab kppsjitter kstflags ktimeconst kppscalibdur
kppscalibs kppscaliberrs kppsjitexc kppsstbexc iostats_reset total_rbuf free_rbuf used_rbuf rbuf_lowater io_dropped
io_ignored io_received io_sent io_sendfailed io_wakeups io_goodwakeups io_pkt_reads io_ref_reads timerstats_reset
timer_overruns timer_xmts fuzz tick clk_wander_threshold lockclock nts_client_send nts_client_recv_good
nts_client_recv_bad nts_server_send nts_server_recv_good nts_server_recv_bad nts_cookie_make nts_cookie_decode
nts_cookie_decode_total nts_cookie_decode_current nts_cookie_decode_old nts_cookie_decode_old2 nts_cookie_decode_older
nts_cookie_decode_too_old nts_cookie_decode_error nts_cookie_not_server nts_ke_serves_good nts_ke_serves_good_wall
nts_ke_serves_good_cpu nts_ke_serves_bad nts_ke_serves_bad_wall nts_ke_serves_bad_cpu nts_ke_serves_nossl
nts_ke_serves_nossl_wall nts_ke_serves_nossl_cpu nts_ke_probes_good nts_ke_probes_bad
nts_client_send_r nts_client_recv_good_r nts_client_recv_bad_r nts_server_send_r nts_server_recv_good_r
nts_server_recv_bad_r nts_cookie_make_r nts_cookie_decode_r nts_ke_serves_good_r nts_ke_serves_bad_r
nts_ke_probes_good_r nts_ke_probes_bad_r site
""".split()

PEER = """
srcadr srcport srchost dstadr dstport out in leap stratum precision rootdelay rootdisp refid reftime rec reach unreach
hmode pmode hpoll ppoll headway flash keyid ttl offset delay dispersion jitter xleave bias filtdelay filtoffset
filtdisp filterror host flags signature valid initsequence initkey timestamp ident config authenable authentic org xmt
timer received sent peer_var_list timerec timereach badauth bogusorg oldpkt seldisp selbroken candidate mode
ntscookies rootdist precision variables cert
""".split()

CLOCK = """
name type timecode poll noreply badformat baddata fudgetime1 fudgetime2 stratum refid flags device clock_var_list
fudgeminjitter
""".split()
