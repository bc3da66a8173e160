; The sieve of Eratosthenes with a vector.

(define (sieve limit)
  (define composite (make-vector (+ limit 1) #f))
  (define (mark! multiple step)
    (when (<= multiple limit)
      (vector-set! composite multiple #t)
      (mark! (+ multiple step) step)))
  (let loop ((n 2) (primes '()))
    (cond ((> n limit) (reverse primes))
          ((vector-ref composite n) (loop (+ n 1) primes))
          (else (mark! (* n n) n)
                (loop (+ n 1) (cons n primes))))))

(define primes (sieve 10000))
(display (length primes))
(newline)
(display (list-tail primes (- (length primes) 10)))
(newline)
